// Pieces of work shared out to threads.
#pragma once

#include <cstdint>

#include "crew.h"

namespace shared {

// While an object with `on` exists, the pieces that its thread shares out go to the crew: they are short, and OpenMP
// waits for every thread.
class CrewScope {
public:
    explicit CrewScope(bool on);
    ~CrewScope();

private:
    const bool before_;
};

// Calls `piece(body, k)` for k < count. Throws bad_alloc, after the last piece, if a call did.
void run_pieces(int64_t threads, int64_t count, const void* body, void (*piece)(const void*, int64_t));

}  // namespace shared

namespace {

// Calls `body(k)` for k < count: see `run_pieces`.
template <class Body>
void in_parallel(int64_t threads, int64_t count, const Body& body) {
    run_pieces(threads, count, &body, [](const void* work, int64_t k) { (*static_cast<const Body*>(work))(k); });
}

}  // namespace

#ifndef LINKED
#include "thread_pieces.h"
#endif
