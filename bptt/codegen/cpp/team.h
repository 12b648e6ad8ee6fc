// Threads that take a share of work too short to wake a thread for, or to wait for one.
//
// A team goes through the same jobs again and again, each cut into pieces; a piece takes microseconds. A
// helper spins between jobs, and sleeps after a while. Each thread has its own pieces of a job, round
// after round the same, so that what they read stays in its cache; who has done his own takes from the
// others. So a helper that sleeps, or whose processor runs another program, is not missed.
#pragma once

#include <cstdint>
#include <memory>

namespace shared {

// Jobs 0, 1, ... below `jobs`, each of `pieces(self, job)`, which are done by `run(self, thread, job, piece)`.
struct TeamWork {
    const void* self;
    int64_t jobs;
    int64_t (*pieces)(const void* self, int64_t job);
    void (*run)(const void* self, int64_t thread, int64_t job, int64_t piece);
};

class Team {
public:
    Team(int64_t threads, const TeamWork& work);
    ~Team();

    // A process that was forked off has the memory of this one, and none of its helpers.
    bool lives_here() const;

    // Does all jobs, one after the other.
    void round();

private:
    class Members;
    const std::unique_ptr<Members> members_;
};

}  // namespace shared

using namespace shared;

#ifndef LINKED
#include "team_rounds.h"
#endif
