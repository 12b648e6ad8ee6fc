// The members of a team: how helpers spin, sleep and take pieces.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "crew_rounds.h"
#include "team.h"
#include "vector.h"

namespace shared {

class Team::Members {
public:
    Members(int64_t threads, const TeamWork& work) : work_(work), process_(getpid()), shares_(threads) {
        try {
            for (int64_t k = 1; k < threads; ++k) helpers_.emplace_back([this, k] { help(k); });
        } catch (const std::system_error&) {
            // The threads that there are do it all.
        }
    }

    ~Members() {
        announce(STOP, true);
        for (auto& helper : helpers_) helper.join();
    }

    bool lives_here() const { return process_ == getpid(); }

    void round() {
        const bool awake = Clock::now() - finished_ < PATIENCE;
        for (int64_t job = 0; job < work_.jobs; ++job) {
            const int64_t pieces = work_.pieces(work_.self, job);
            ++ticket_;
            done_.store(0, std::memory_order_relaxed);
            for (auto& share : shares_) share.next.store(ticket_ << BITS, std::memory_order_release);
            if (pieces > 1 && !helpers_.empty()) announce(ticket_, awake);
            const int64_t own = take(0, ticket_);
            for (int waits = 0; own + done_.load(std::memory_order_acquire) < pieces; ++waits) wait(waits);
        }
        finished_ = Clock::now();
    }

private:
    using Clock = std::chrono::steady_clock;
    // How long a helper spins: longer than a program needs from one step to the next.
    static constexpr std::chrono::microseconds PATIENCE{200};
    static constexpr int SHORT = 1000, BITS = 20;
    static constexpr uint64_t STOP = ~uint64_t{0};

    // The pieces of a thread: the ticket of the job, and how many of them are taken.
    struct alignas(64) Share {
        std::atomic<uint64_t> next{0};
    };

    // One after the other as long as nothing else wants this processor.
    static void wait(int waits) { waits < SHORT ? relax() : std::this_thread::yield(); }

    void announce(uint64_t ticket, bool wake) {
        announced_.store(ticket);
        if (!wake || !asleep_.load() || !lives_here()) return;
        const std::lock_guard lock(mutex_);
        called_.notify_all();
    }

    void help(int64_t self) {
        const FlushDenormals flush;
        uint64_t ticket = 0;
        while ((ticket = next_after(ticket)) != STOP)
            done_.fetch_add(take(self, ticket), std::memory_order_release);
    }

    uint64_t next_after(uint64_t ticket) {
        const auto start = Clock::now();
        for (int waits = 0; waits < SHORT || Clock::now() - start < PATIENCE; ++waits) {
            const uint64_t found = announced_.load(std::memory_order_acquire);
            if (found != ticket) return found;
            wait(waits);
        }
        std::unique_lock lock(mutex_);
        ++asleep_;
        called_.wait(lock, [&] { return announced_.load() != ticket; });
        --asleep_;
        return announced_.load();
    }

    // Does pieces of a job until none is left that nobody has taken. Returns how many it did.
    int64_t take(int64_t self, uint64_t ticket) {
        const int64_t turn = ticket - 1, job = turn % work_.jobs, count = shares_.size();
        const int64_t pieces = work_.pieces(work_.self, job);
        const bool backwards = turn / work_.jobs % 2;
        int64_t done = 0;
        for (int64_t k = 0; k < count; ++k) {
            const int64_t share = (self + k) % count;
            const int64_t first = share * pieces / count, last = (share + 1) * pieces / count - 1;
            for (int64_t taken; (taken = claim(shares_[share], ticket, last - first + 1)) >= 0; ++done)
                work_.run(work_.self, self, job, backwards ? last - taken : first + taken);
        }
        return done;
    }

    // The place of a piece that is now this thread's, or -1. A thread that comes late finds another ticket.
    static int64_t claim(Share& share, uint64_t ticket, int64_t count) {
        uint64_t next = share.next.load(std::memory_order_acquire);
        do {
            if (next >> BITS != ticket || static_cast<int64_t>(next - (ticket << BITS)) == count) return -1;
        } while (!share.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel,
                                                   std::memory_order_acquire));
        return next - (ticket << BITS);
    }

    const TeamWork work_;
    const pid_t process_;
    std::vector<Share> shares_;
    uint64_t ticket_ = 0;
    Clock::time_point finished_ = Clock::now();
    alignas(64) std::atomic<uint64_t> announced_{0};
    alignas(64) std::atomic<int64_t> done_{0};
    std::atomic<int> asleep_{0};
    std::mutex mutex_;
    std::condition_variable called_;
    std::vector<std::thread> helpers_;
};

Team::Team(int64_t threads, const TeamWork& work) : members_(std::make_unique<Members>(threads, work)) {}
Team::~Team() = default;
bool Team::lives_here() const { return members_->lives_here(); }
void Team::round() { members_->round(); }

}  // namespace shared
