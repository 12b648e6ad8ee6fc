// Prefix beam search over the outputs of CTC (Hannun 2014): of all texts that some alignment gives, the
// most probable ones, frame by frame.
//
// For each prefix in the beam there are two sums over alignments: of those that end in a blank, and of those
// that end in its last symbol. With each goes the best single alignment, which says when symbols were heard.
#pragma once

#include "prefix_tree.h"

namespace {

// What the search is made with: numbers and addresses, 64 bits each, in this order.
struct Settings {
    int64_t symbols, width, blank;
    // (2 width, symbols), a row for each slot: ln P of the language model and bonus of each next symbol; or
    // null. The caller fills the rows of prefixes that have entered before the next frame.
    const double *language, *bonus;
    const double* weight;  // of the language model
};

// A prefix that has entered the beam: its slot, the slot of the prefix that it extends, and its last symbol.
struct Entered {
    int64_t slot, from, symbol;
};

// A hypothesis in numbers.
struct Facts {
    double acoustic, language, bonus;
    int64_t slot, length;
};

class PrefixBeam {
public:
    explicit PrefixBeam(const Settings& settings) : settings_(settings), taken_(settings.symbols) {
        // A prefix that leaves keeps its slot for one more frame: others extend it.
        for (int64_t slot = 2 * settings.width - 1; slot > 0; --slot) slots_.push_back(slot);
        tree_.hold(tree_.root());
        tree_[tree_.root()].place = 0;
        live_.push_back({tree_.root(), 0, {0, 0, NONE, KEEP}, {NEVER, NEVER, NONE, KEEP}});
    }

    // Reads frames (count, symbols) of ln P; with `pause`, up to the first after which prefixes have entered.
    // Returns how many were read, or -1 if no prefix is possible any more.
    int64_t run(const double* frames, int64_t count, bool pause) {
        for (int64_t t = 0; t < count; ++t) {
            step(frames + t * settings_.symbols);
            if (live_.empty()) return -1;
            if (pause && !entered_.empty()) return t + 1;
        }
        return count;
    }

    const std::vector<Entered>& entered() const { return entered_; }
    int64_t size() const { return live_.size(); }
    int64_t held() const { return tree_.held() + traces_.held(); }

    // Adds to the scores of the prefixes that have just entered, in their order.
    void add(const double* language, const double* bonus) {
        for (size_t k = 0; k < entered_.size(); ++k) {
            const auto has_slot = [&](const Prefix& prefix) { return prefix.slot == entered_[k].slot; };
            Node& node = tree_[std::find_if(live_.begin(), live_.end(), has_slot)->node];
            node.language += language[k];
            node.bonus += bonus[k];
        }
        const auto before = [&](const Prefix& a, const Prefix& b) { return score(a) > score(b); };
        std::stable_sort(live_.begin(), live_.end(), before);
        place_all();
    }

    Facts facts(int64_t rank) const {
        const Prefix& prefix = live_[rank];
        const Node& node = tree_[prefix.node];
        return {log_add(prefix.blank.mass, prefix.label.mass), node.language, node.bonus, prefix.slot,
                tree_.length(prefix.node)};
    }

    // The symbols of the prefix of a rank since the root, with first and last frame and highest ln P of each.
    void read(int64_t rank, int64_t* symbols, int64_t* first, int64_t* last, double* peak) const {
        const Prefix& prefix = live_[rank];
        int32_t trace = better(prefix.blank, prefix.label).trace, node = prefix.node;
        for (int64_t k = tree_.length(node) - 1; k >= 0; --k) {
            symbols[k] = tree_[node].symbol;
            first[k] = traces_[trace].first;
            last[k] = traces_[trace].last;
            peak[k] = traces_[trace].peak;
            node = tree_[node].parent;
            trace = traces_[trace].before;
        }
    }

    // The number of symbols since the root that all prefixes of the beam begin with.
    int64_t stable() const {
        int32_t common = live_[0].node;
        for (const Prefix& prefix : live_) common = tree_.meet(common, prefix.node);
        return tree_.length(common);
    }

    // Forgets the first `count` symbols of the best prefix; those that begin otherwise leave the beam.
    void commit(int64_t count) {
        const int32_t root = tree_.ancestor(live_[0].node, count);
        const auto begins_so = [&](const Prefix& prefix) { return tree_.ancestor(prefix.node, count) == root; };
        const auto others = std::stable_partition(live_.begin(), live_.end(), begins_so);
        for (auto prefix = others; prefix != live_.end(); ++prefix) {
            tree_[prefix->node].place = NONE;
            leave(*prefix);
        }
        live_.erase(others, live_.end());
        place_all();
        for (const Prefix& prefix : live_) {
            const int64_t behind = tree_.length(prefix.node) - count;
            traces_.cut(prefix.blank.trace, behind);
            traces_.cut(prefix.label.trace, behind);
        }
        tree_.move_root(root);
    }

private:
    // What a frame makes of the trace of a path: nothing, its symbol goes on, or another symbol begins.
    enum Change : int32_t { KEEP, PROLONG, BEGIN };

    // The alignments of a prefix with one kind of ending: their sum, and the best of them.
    struct Path {
        double mass, best;
        int32_t trace;
        Change change;
    };

    struct Prefix {
        int32_t node, slot;
        Path blank, label;
    };

    // A prefix that stays, or is extended: the symbol is order % symbols, the blank if it stays.
    struct Candidate {
        double score;
        int64_t order;

        // Whether this is the better one.
        bool operator<(const Candidate& other) const {
            return score != other.score ? score > other.score : order < other.order;
        }
    };

    static const Path& better(const Path& a, const Path& b) { return a.best >= b.best ? a : b; }

    static Path both(const Prefix& prefix) {
        Path found = better(prefix.blank, prefix.label);
        found.mass = log_add(prefix.blank.mass, prefix.label.mass);
        return found;
    }

    double value(int32_t node) const { return *settings_.weight * tree_[node].language + tree_[node].bonus; }
    double score(const Prefix& prefix) const {
        return log_add(prefix.blank.mass, prefix.label.mass) + value(prefix.node);
    }

    void step(const double* p) {
        whole_.clear();
        for (const Prefix& prefix : live_) whole_.push_back(both(prefix));
        stay(p);
        chosen_.clear();
        least_ = NEVER;
        for (size_t k = 0; k < live_.size(); ++k) {
            offer({score(stays_[k]), static_cast<int64_t>(k) * settings_.symbols + settings_.blank});
        }
        probable_.clear();
        for (int64_t c = 0; c < settings_.symbols; ++c) {
            if (c != settings_.blank) probable_.push_back(c);
        }
        for (size_t k = 0; k < live_.size(); ++k) extend(k, p);
        std::sort(chosen_.begin(), chosen_.end());
        settle(p);
        ++frame_;
    }

    // The prefixes if no symbol is added. One may also come from its parent, if that is in the beam.
    void stay(const double* p) {
        const double blank = p[settings_.blank];
        stays_.clear();
        for (size_t k = 0; k < live_.size(); ++k) {
            const Prefix& prefix = live_[k];
            const Node& node = tree_[prefix.node];
            Path label = prefix.label;
            if (node.symbol != NONE) {
                const double ln = p[node.symbol];
                label = {label.mass + ln, label.best + ln, label.trace, PROLONG};
                if (node.parent != NONE && tree_[node.parent].place != NONE) {
                    const Path other = extension(tree_[node.parent].place, node.symbol, ln);
                    const double mass = log_add(label.mass, other.mass);
                    label = better(label, other);
                    label.mass = mass;
                }
            }
            const Path& from = whole_[k];
            const Path silent{from.mass + blank, from.best + blank, from.trace, KEEP};
            stays_.push_back({prefix.node, prefix.slot, silent, label});
        }
    }

    // The alignments that add a symbol: a blank must be between two of the same.
    Path extension(int64_t place, int64_t symbol, double ln) const {
        const bool same = tree_[live_[place].node].symbol == symbol;
        const Path& from = same ? live_[place].blank : whole_[place];
        return {from.mass + ln, from.best + ln, from.trace, BEGIN};
    }

    void extend(int64_t place, const double* p) {
        const Prefix& prefix = live_[place];
        const double held = value(prefix.node), most = whole_[place].mass + held;
        mark_children(prefix.node, true);
        for (const int64_t c : probable_) {
            // Never less than the score, and for most symbols too little.
            if (!(most + p[c] + language(prefix, c) > least_) || taken_[c]) continue;
            const double score = extension(place, c, p[c]).mass + held + language(prefix, c);
            offer({score, place * settings_.symbols + c});
        }
        mark_children(prefix.node, false);
        if (place > 0 || settings_.language) return;
        // What is too little for the best prefix is so for the others.
        const auto improbable = [&](int64_t c) { return !(most + p[c] > least_); };
        probable_.erase(std::remove_if(probable_.begin(), probable_.end(), improbable), probable_.end());
    }

    // What language model and bonus add to the score for a next symbol.
    double language(const Prefix& prefix, int64_t c) const {
        if (!settings_.language) return 0;
        const int64_t k = prefix.slot * settings_.symbols + c;
        return *settings_.weight * settings_.language[k] + settings_.bonus[k];
    }

    // Extensions that are in the beam already: `stay` adds to those.
    void mark_children(int32_t node, bool value) {
        for (int32_t child = tree_[node].child; child != NONE; child = tree_[child].sibling) {
            if (tree_[child].place != NONE) taken_[tree_[child].symbol] = value;
        }
    }

    // Keeps the `width` best in a heap, the worst of them in front.
    void offer(const Candidate& candidate) {
        if (!(candidate.score > least_)) return;
        chosen_.push_back(candidate);
        std::push_heap(chosen_.begin(), chosen_.end());
        if (static_cast<int64_t>(chosen_.size()) > settings_.width) {
            std::pop_heap(chosen_.begin(), chosen_.end());
            chosen_.pop_back();
        }
        if (static_cast<int64_t>(chosen_.size()) == settings_.width) least_ = chosen_.front().score;
    }

    // Makes the chosen candidates the beam.
    void settle(const double* p) {
        entered_.clear();
        after_.clear();
        for (const Candidate& candidate : chosen_) {
            const int64_t k = candidate.order / settings_.symbols, c = candidate.order % settings_.symbols;
            Prefix prefix = c == settings_.blank ? stays_[k] : entering(k, c, p[c]);
            const int32_t symbol = tree_[prefix.node].symbol;
            renew(prefix.blank, 0);
            renew(prefix.label, symbol == NONE ? NEVER : p[symbol]);
            tree_.hold(prefix.node);
            after_.push_back(prefix);
        }
        for (const Prefix& prefix : live_) tree_[prefix.node].place = NONE;
        std::swap(live_, after_);
        place_all();
        for (const Prefix& prefix : after_) leave(prefix);
    }

    void leave(const Prefix& prefix) {
        if (tree_[prefix.node].place == NONE) slots_.push_back(prefix.slot);
        traces_.drop(prefix.blank.trace);
        traces_.drop(prefix.label.trace);
        tree_.drop(prefix.node);
    }

    Prefix entering(int64_t place, int64_t symbol, double ln) {
        const Prefix& from = live_[place];
        const int32_t made = tree_.child(from.node, symbol), slot = slots_.back();
        slots_.pop_back();
        Node& node = tree_[made];
        const Node& parent = tree_[from.node];
        const int64_t k = from.slot * settings_.symbols + symbol;
        node.language = parent.language + (settings_.language ? settings_.language[k] : 0);
        node.bonus = parent.bonus + (settings_.language ? settings_.bonus[k] : 0);
        entered_.push_back({slot, from.slot, symbol});
        return {made, slot, {NEVER, NEVER, NONE, KEEP}, extension(place, symbol, ln)};
    }

    // Gives a path a trace of its own after this frame.
    void renew(Path& path, double ln) {
        if (path.best == NEVER) {
            path.trace = NONE;
        } else if (path.change == KEEP) {
            traces_.hold(path.trace);
        } else {
            path.trace = path.change == BEGIN ? traces_.begin(path.trace, frame_, ln)
                                              : traces_.prolong(path.trace, frame_, ln);
        }
        path.change = KEEP;
    }

    void place_all() {
        for (size_t place = 0; place < live_.size(); ++place) tree_[live_[place].node].place = place;
    }

    Settings settings_;
    Tree tree_;
    Traces traces_;
    std::vector<Prefix> live_, stays_, after_;  // best first
    std::vector<Path> whole_;                   // of each prefix, both endings together
    std::vector<Candidate> chosen_;
    std::vector<Entered> entered_;
    std::vector<int32_t> slots_;
    std::vector<char> taken_;
    std::vector<int64_t> probable_;
    double least_ = NEVER;
    int64_t frame_ = 0;
};

}  // namespace
