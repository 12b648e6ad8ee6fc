// Threads that share out work in steps of microseconds: the units of a few rows, time step after time step.
//
// A round consists of jobs; the members of the crew do their parts of a job and wait for each other before the next.
// The caller is always a member. A helper joins between two jobs once it is awake, and leaves when waiting for it
// has cost too much. So a helper that sleeps, or whose processor runs another program, is hardly missed. The parts
// depend on who is a member: results must not depend on the parts.
#pragma once

#include <cstdint>

namespace shared {

// The part of a member in `count` pieces of a job; `thread` is its number, the same in all rounds.
struct Share {
    int64_t thread, place, members;

    // Rounded up: the caller has the largest part, because the others cannot be waited for by anyone else.
    int64_t first(int64_t count) const { return (count * place + members - 1) / members; }
    int64_t last(int64_t count) const { return (count * (place + 1) + members - 1) / members; }
};

// The most members of a crew.
constexpr int64_t MOST_MEMBERS = 16;

// Calls `call(body, share, job)` for jobs 0, 1, ... on up to `threads` threads; on the caller alone if another thread
// has the crew. Throws bad_alloc, after the last job, if a call did.
void run_jobs(int64_t threads, int64_t jobs, const void* body, void (*call)(const void*, const Share&, int64_t));

}  // namespace shared

using namespace shared;

namespace {

// Calls `body(share, job)` for jobs 0, 1, ...: see `run_jobs`.
template <class Body>
void run_by_crew(int64_t threads, int64_t jobs, const Body& body) {
    run_jobs(threads, jobs, &body, [](const void* work, const Share& share, int64_t job) {
        (*static_cast<const Body*>(work))(share, job);
    });
}

}  // namespace

#ifndef LINKED
#include "crew_rounds.h"
#endif
