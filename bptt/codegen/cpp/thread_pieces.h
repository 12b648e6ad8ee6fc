// Pieces of work by OpenMP or by the crew.
#pragma once

#include <algorithm>
#include <atomic>
#include <new>

#include "threads.h"
#include "vector.h"

namespace {

thread_local bool by_crew = false;

void share_out(int64_t threads, int64_t count, const void* body, void (*piece)(const void*, int64_t)) {
    if (threads < 2 || count < 2) {
        const FlushDenormals flush;
        for (int64_t k = 0; k < count; ++k) piece(body, k);
        return;
    }
    // A job for each `threads` pieces: between two of them helpers join.
    run_by_crew(threads, (count + threads - 1) / threads, [&](const Share& share, int64_t job) {
        const int64_t pieces = std::min(threads, count - job * threads);
        for (int64_t k = share.first(pieces); k < share.last(pieces); ++k) piece(body, job * threads + k);
    });
}

}  // namespace

namespace shared {

CrewScope::CrewScope(bool on) : before_(by_crew) { by_crew = on; }
CrewScope::~CrewScope() { by_crew = before_; }

void run_pieces(int64_t threads, int64_t count, const void* body, void (*piece)(const void*, int64_t)) {
    if (by_crew) return share_out(threads, count, body, piece);
    std::atomic<bool> failed{false};
#pragma omp parallel for schedule(static, 1) num_threads(threads) if (threads > 1 && count > 1)
    for (int64_t k = 0; k < count; ++k) {
        FlushDenormals flush;
        try {
            piece(body, k);
        } catch (const std::bad_alloc&) {
            // None may get out of a thread.
            failed = true;
        }
    }
    if (failed) throw std::bad_alloc();
}

}  // namespace shared
