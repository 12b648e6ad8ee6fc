// Rounds of a crew: every piece of every job is done once and after all of the job before, whoever takes part.
#define REAL float
#include "crew.h"

#include <sys/wait.h>

#include <cstdio>
#include <vector>

namespace {

constexpr int64_t THREADS = 3, JOBS = 40, PIECES = 7;

// What happened in a round.
struct Seen {
    int64_t faults;
    bool shared, left;  // whether a helper took part, and whether none did any more at the end
};

// A round in which helpers may be `late` once, by more than is waited for.
Seen round_of_crew(bool late) {
    // Not atomic: the crew alone keeps threads apart.
    std::vector<int64_t> done(JOBS * PIECES), members(JOBS);
    std::atomic<int64_t> faults{0};
    run_by_crew(THREADS, JOBS, [&](const Share& share, int64_t job) {
        if (late && job == JOBS / 2 && share.place) std::this_thread::sleep_for(std::chrono::milliseconds(3));
        if (!share.place) members[job] = share.members;
        for (int64_t k = 0; k < PIECES && job; ++k) faults += done[(job - 1) * PIECES + k] != job;
        for (int64_t k = share.first(PIECES); k < share.last(PIECES); ++k) done[job * PIECES + k] += job + 1;
    });
    for (int64_t k = 0; k < JOBS * PIECES; ++k) faults += done[k] != k / PIECES + 1;
    const bool shared = *std::max_element(members.begin(), members.end()) > 1;
    return {faults, shared, members[JOBS / 2] > 1 && members.back() == 1};
}

// How many faults rounds have until helpers took part in many, in which they join at all times; or, if they are
// late, until they had to leave one.
int64_t faults_of_rounds(bool late) {
    int64_t faults = 0, found = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (found < (late ? 1 : 300)) {
        const Seen seen = round_of_crew(late);
        faults += seen.faults;
        found += late ? seen.left : seen.shared;
        if (std::chrono::steady_clock::now() < end) continue;
        std::printf("helpers took part in %lld rounds\n", static_cast<long long>(found));
        break;
    }
    return faults;
}

int64_t faults_after_fork() {
    const pid_t child = fork();
    if (!child) _exit(faults_of_rounds(false) != 0);
    int status = -1;
    waitpid(child, &status, 0);
    return status != 0;
}

// Two threads that both want the crew: one of them does its rounds alone.
int64_t faults_of_two_callers() {
    std::atomic<int64_t> faults{0};
    const auto call = [&] {
        for (int round = 0; round < 50; ++round) faults += round_of_crew(false).faults;
    };
    std::thread other(call);
    call();
    other.join();
    return faults;
}

int64_t faults_of_failure() {
    try {
        run_by_crew(THREADS, JOBS, [](const Share&, int64_t job) {
            if (job == 3) throw std::bad_alloc();
        });
    } catch (const std::bad_alloc&) {
        return round_of_crew(false).faults;
    }
    return 1;
}

}  // namespace

int main() {
    int64_t faults = faults_of_rounds(false) + faults_of_rounds(true) + faults_of_two_callers() + faults_of_failure();
#ifdef FORK
    faults += faults_after_fork();
#endif
    std::printf("%lld faults\n", static_cast<long long>(faults));
    return faults != 0;
}
