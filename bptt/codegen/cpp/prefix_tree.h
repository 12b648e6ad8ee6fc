// The prefixes of a beam as a tree, and when their symbols were heard.
//
// Nodes and traces are counted: each is kept while the beam or another one needs it. So memory grows with the
// texts that are still possible, and not with the sound.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace {

constexpr double NEVER = -std::numeric_limits<double>::infinity();
constexpr int32_t NONE = -1;

inline double log_add(double a, double b) {
    if (a < b) std::swap(a, b);
    return b == NEVER ? a : a + std::log1p(std::exp(b - a));
}

// Objects in one array; places of released ones are used again.
template <typename Object> class Pool {
public:
    Object& operator[](int32_t place) { return objects_[place]; }
    const Object& operator[](int32_t place) const { return objects_[place]; }

    int32_t add(const Object& object) {
        if (free_.empty()) {
            objects_.push_back(object);
            // So that to release needs no memory.
            free_.reserve(objects_.capacity());
            return static_cast<int32_t>(objects_.size() - 1);
        }
        const int32_t place = free_.back();
        free_.pop_back();
        objects_[place] = object;
        return place;
    }
    void release(int32_t place) { free_.push_back(place); }
    int64_t held() const { return objects_.size() - free_.size(); }

private:
    std::vector<Object> objects_;
    std::vector<int32_t> free_;
};

// A text: that of its parent, and a symbol. Children are a list. `place` is that in the beam, or NONE.
// `language` and `bonus` are sums over the text.
struct Node {
    int32_t parent, symbol, child, sibling, place, uses;
    int64_t depth;
    double language, bonus;
};

class Tree {
public:
    Tree() : root_(nodes_.add({NONE, NONE, NONE, NONE, NONE, 1, 0, 0, 0})) {}

    Node& operator[](int32_t node) { return nodes_[node]; }
    const Node& operator[](int32_t node) const { return nodes_[node]; }
    int32_t root() const { return root_; }
    int64_t held() const { return nodes_.held(); }
    int64_t length(int32_t node) const { return nodes_[node].depth - nodes_[root_].depth; }

    int32_t child(int32_t parent, int64_t symbol) {
        for (int32_t node = nodes_[parent].child; node != NONE; node = nodes_[node].sibling) {
            if (nodes_[node].symbol == symbol) return node;
        }
        const Node made{parent, static_cast<int32_t>(symbol), NONE, nodes_[parent].child, NONE, 0,
                        nodes_[parent].depth + 1, 0, 0};
        const int32_t node = nodes_.add(made);
        nodes_[parent].child = node;
        ++nodes_[parent].uses;
        return node;
    }

    void hold(int32_t node) { ++nodes_[node].uses; }

    void drop(int32_t node) {
        while (node != NONE && --nodes_[node].uses == 0) {
            const int32_t parent = nodes_[node].parent;
            detach(node);
            nodes_.release(node);
            node = parent;
        }
    }

    // The last node that two paths from the root have in common.
    int32_t meet(int32_t a, int32_t b) const {
        while (a != b) {
            if (nodes_[a].depth < nodes_[b].depth) std::swap(a, b);
            a = nodes_[a].parent;
        }
        return a;
    }

    // The prefix of the first `count` symbols since the root; the node itself if it has fewer.
    int32_t ancestor(int32_t node, int64_t count) const {
        while (length(node) > count) node = nodes_[node].parent;
        return node;
    }

    // Makes a node the root; all nodes in use are below it.
    void move_root(int32_t node) {
        if (node == root_) return;
        hold(node);
        const int32_t parent = nodes_[node].parent;
        detach(node);
        drop(parent);
        drop(std::exchange(root_, node));
    }

private:
    // Takes a node out of the list of its parent; its use of the parent remains.
    void detach(int32_t node) {
        const int32_t parent = std::exchange(nodes_[node].parent, NONE);
        if (parent == NONE) return;
        int32_t* link = &nodes_[parent].child;
        while (*link != node) link = &nodes_[*link].sibling;
        *link = std::exchange(nodes_[node].sibling, NONE);
    }

    Pool<Node> nodes_;
    int32_t root_;
};

// When a symbol was heard on an alignment, first and last frame and its highest ln P there; `before` is the
// trace of the symbol before it.
struct Trace {
    int32_t before, uses;
    int64_t first, last;
    double peak;
};

class Traces {
public:
    const Trace& operator[](int32_t trace) const { return traces_[trace]; }
    int64_t held() const { return traces_.held(); }

    void hold(int32_t trace) {
        if (trace != NONE) ++traces_[trace].uses;
    }

    int32_t begin(int32_t before, int64_t frame, double ln) {
        hold(before);
        return traces_.add({before, 1, frame, frame, ln});
    }

    // The same symbol is heard in one more frame; other alignments may still need the trace as it was.
    int32_t prolong(int32_t trace, int64_t frame, double ln) {
        const Trace old = traces_[trace];
        hold(old.before);
        return traces_.add({old.before, 1, old.first, frame, std::max(old.peak, ln)});
    }

    void drop(int32_t trace) {
        while (trace != NONE && --traces_[trace].uses == 0) {
            const int32_t before = traces_[trace].before;
            traces_.release(trace);
            trace = before;
        }
    }

    // Forgets all before the symbol that is `behind` symbols before that of `trace`.
    void cut(int32_t trace, int64_t behind) {
        for (; behind > 0 && trace != NONE; --behind) trace = traces_[trace].before;
        if (trace != NONE) drop(std::exchange(traces_[trace].before, NONE));
    }

private:
    Pool<Trace> traces_;
};

}  // namespace
