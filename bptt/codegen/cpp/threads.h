// Pieces of work shared out to threads.
#pragma once

#include <atomic>
#include <new>

#include "crew.h"
#include "vector.h"

namespace {

// Whether the pieces that this thread shares out go to the crew: they are short, and OpenMP waits for every thread.
thread_local bool by_crew = false;

class CrewScope {
public:
    explicit CrewScope(bool on) : before_(by_crew) { by_crew = on; }
    ~CrewScope() { by_crew = before_; }

private:
    const bool before_;
};

// A piece of work; a function of its own, since it is called in several places and may be long.
template <class Body>
__attribute__((noinline)) void do_piece(const Body& body, int64_t k) {
    body(k);
}

template <class Body>
void share_out(int64_t threads, int64_t count, const Body& body) {
    if (threads < 2 || count < 2) {
        const FlushDenormals flush;
        for (int64_t k = 0; k < count; ++k) do_piece(body, k);
        return;
    }
    // A job for each `threads` pieces: between two of them helpers join.
    Crew::here().run(threads, (count + threads - 1) / threads, [&](const Share& share, int64_t job) {
        const int64_t pieces = std::min(threads, count - job * threads);
        for (int64_t k = share.first(pieces); k < share.last(pieces); ++k) do_piece(body, job * threads + k);
    });
}

template <class Body>
void in_parallel(int64_t threads, int64_t count, const Body& body) {
    if (by_crew) return share_out(threads, count, body);
    std::atomic<bool> failed{false};
#pragma omp parallel for schedule(static, 1) num_threads(threads) if (threads > 1 && count > 1)
    for (int64_t k = 0; k < count; ++k) {
        FlushDenormals flush;
        try {
            do_piece(body, k);
        } catch (const std::bad_alloc&) {
            // None may get out of a thread.
            failed = true;
        }
    }
    if (failed) throw std::bad_alloc();
}

}  // namespace
