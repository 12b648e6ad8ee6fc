// The members of a crew: how they are called, join, wait for each other and leave.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "crew.h"
#include "vector.h"

namespace {

INLINE void relax() {
#if defined(__SSE__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

class Crew {
public:
    // The crew of this process. A forked process has its parent's memory but none of its helpers.
    static Crew& here() {
        static std::atomic<Crew*> crew{nullptr};
        Crew* found = crew.load();
        while (!found || found->process_ != getpid()) {
            auto made = std::make_unique<Crew>();
            if (crew.compare_exchange_strong(found, made.get())) return *made.release();
        }
        return *found;
    }

    // See `run_jobs`.
    void run(int64_t threads, int64_t jobs, const void* body, void (*call)(const void*, const Share&, int64_t)) {
        const FlushDenormals flush;
        const Lease lease(*this, std::min(threads, MOST_MEMBERS));
        if (!lease.held) {
            for (int64_t job = 0; job < jobs; ++job) call(body, Share{0, 0, 1}, job);
            return;
        }
        body_ = body;
        call_ = call;
        round(jobs);
    }

private:
    using Clock = std::chrono::steady_clock;
    // A mask of members has a bit for each helper.
    static constexpr int BITS = MOST_MEMBERS - 1;
    static constexpr uint64_t MASK = (uint64_t{1} << BITS) - 1;
    static constexpr uint64_t bit(int64_t helper) { return uint64_t{1} << (helper - 1); }
    // Rounds of waiting before the clock is read.
    static constexpr int SHORT = 64;
    // A member that is later than LATE is not running; the wait is time lost. Losses may be a tenth of all time, and
    // ALLOWED at once. A helper spins between rounds for PATIENCE: longer than a program needs between two calls.
    static constexpr std::chrono::microseconds LATE{20}, ALLOWED{100}, PATIENCE{200};
    static constexpr int SHARE_OF_LOSSES = 10;

    // What one helper and the caller exchange, on lines that the processor does not fetch in pairs with others.
    struct alignas(128) Seat {
        std::atomic<uint64_t> wish{0};   // the round that the helper asks to join; 0: none
        std::atomic<uint64_t> start{0};  // the turn at which it begins, if it has been admitted
        std::atomic<uint64_t> done{0};   // the last turn whose part it has done
    };

    // The caller's hold of the crew for one round, with the helpers called.
    struct Lease {
        Lease(Crew& crew, int64_t threads)
            : crew_(crew), held(threads > 1 && !crew.held_.exchange(true, std::memory_order_acquire)) {
            if (held) crew.open(threads);
        }
        ~Lease() {
            if (!held) return;
            crew_.close();
            crew_.held_.store(false, std::memory_order_release);
        }

        Crew& crew_;
        const bool held;
    };

    // Turns count the jobs of all rounds. After its part of a turn the caller publishes the members of the next; two
    // turns can be under way at a time, so there are two places.
    void round(int64_t jobs) {
        uint64_t members = 0;
        for (uint64_t turn = base_; turn <= base_ + jobs; ++turn) {
            if (turn > base_) part(0, members, turn);
            const uint64_t next = turn < base_ + jobs && !alone_ ? members | asking() : 0;
            published_[turn % 2].store(turn << BITS | next, std::memory_order_release);
            lost(await_members(members, turn));
            // Only now is all of this turn done, for which those that join have not waited.
            for (int64_t k = 1; next >> (k - 1); ++k)
                if (next & ~members & bit(k)) seats_[k].start.store(turn + 1, std::memory_order_release);
            members = next;
        }
        base_ += jobs;
        if (failed_.exchange(false)) throw std::bad_alloc();
    }

    // The helpers that ask to join; from now on they cannot withdraw.
    uint64_t asking() {
        uint64_t found = 0;
        for (int64_t k = 1; k < threads_; ++k) {
            uint64_t wish = round_.load(std::memory_order_relaxed);
            std::atomic<uint64_t>& asked = seats_[k].wish;
            if (asked.load(std::memory_order_relaxed) != wish) continue;
            if (asked.compare_exchange_strong(wish, 0)) found |= bit(k);
        }
        return found;
    }

    // The part of thread `self` in a turn.
    void part(int64_t self, uint64_t members, uint64_t turn) {
        const auto count = [](uint64_t mask) { return int64_t{__builtin_popcountll(mask)}; };
        const int64_t place = self ? 1 + count(members & (bit(self) - 1)) : 0;
        try {
            call_(body_, {self, place, 1 + count(members)}, turn - base_ - 1);
        } catch (const std::bad_alloc&) {
            // None may get out of a thread, and the others wait for this one.
            failed_ = true;
        }
    }

    // Waits until `ready`. Returns the time that took, zero if it is not worth mentioning.
    template <class Ready>
    static Clock::duration await(const Ready& ready) {
        for (int k = 0; k < SHORT; ++k, relax())
            if (ready()) return {};
        const auto start = Clock::now();
        Clock::duration waited{};
        while (!ready()) {
            waited = Clock::now() - start;
            waited < LATE ? relax() : std::this_thread::yield();
        }
        return waited < LATE ? Clock::duration{} : waited;
    }

    Clock::duration await_members(uint64_t members, uint64_t turn) const {
        Clock::duration waited{};
        for (int64_t k = 1; members >> (k - 1); ++k)
            if (members & bit(k))
                waited += await([&] { return seats_[k].done.load(std::memory_order_acquire) >= turn; });
        return waited;
    }

    // Too much time lost: no helper joins, and no round calls any, until it has become a tenth.
    void lost(Clock::duration waited) {
        if (waited == Clock::duration{}) return;
        const auto now = Clock::now();
        settled_ = std::max(settled_, now) + SHARE_OF_LOSSES * waited;
        alone_ = settled_ > now + SHARE_OF_LOSSES * ALLOWED;
    }

    void open(int64_t threads) {
        threads_.store(threads, std::memory_order_relaxed);
        const auto now = Clock::now();
        alone_ = settled_ > now + SHARE_OF_LOSSES * ALLOWED;
        if (alone_) return;
        for (; helpers_ < threads - 1; ++helpers_) {
            try {
                std::thread([this, k = helpers_ + 1] { help(k); }).detach();
            } catch (const std::system_error&) {
                break;
            }
        }
        processor_.store(processor(), std::memory_order_relaxed);
        ++round_;
        if (asleep_.load()) {
            const std::lock_guard lock(mutex_);
            called_.notify_all();
        } else if (helpers_) {
            // Those that are awake join at once.
            for (int k = 0; k < SHORT / 4 && seats_[1].wish.load(std::memory_order_relaxed) != round_; ++k) relax();
        }
    }

    void close() {
        if (round_ % 2) ++round_;
        // A helper on the caller's processor takes the time that it saves: the crew is not called for a while.
        if (refused_.exchange(false)) lost(std::chrono::milliseconds(1));
    }

    // Odd while a round is open. The number of an open one that is not `last`.
    bool is_open(uint64_t round, uint64_t last) const { return round % 2 && round != last; }

    void help(int64_t self) {
        const FlushDenormals flush;
        for (uint64_t round = 0;;) {
            round = next_round(round);
            if (self >= threads_.load(std::memory_order_relaxed)) continue;
            if (!is_elsewhere()) {
                refused_ = true;
                continue;
            }
            seats_[self].wish.store(round);
            take_part(self, admitted(self, round));
        }
    }

    uint64_t next_round(uint64_t last) {
        const auto start = Clock::now();
        for (int k = 0; k < SHORT || (!refused_ && Clock::now() - start < PATIENCE); ++k) {
            const uint64_t found = round_.load();
            if (is_open(found, last)) return found;
            k < 16 * SHORT ? relax() : std::this_thread::yield();
        }
        std::unique_lock lock(mutex_);
        ++asleep_;
        called_.wait(lock, [&] { return is_open(round_.load(), last); });
        --asleep_;
        return round_.load();
    }

    // The turn at which a helper that asked to join begins, 0 if the round is over or does not take it.
    uint64_t admitted(int64_t self, uint64_t round) {
        Seat& seat = seats_[self];
        const auto start = Clock::now();
        for (int k = 0; !seat.start.load(std::memory_order_acquire); ++k, relax()) {
            const bool over = round_.load(std::memory_order_relaxed) != round;
            if (!over && (k < SHORT || Clock::now() - start < PATIENCE)) continue;
            uint64_t wish = round;
            if (seat.wish.compare_exchange_strong(wish, 0)) return 0;
        }
        return seat.start.exchange(0, std::memory_order_acquire);
    }

    void take_part(int64_t self, uint64_t turn) {
        for (; turn; ++turn) {
            const uint64_t members = published_[(turn - 1) % 2].load(std::memory_order_acquire) & MASK;
            if (!(members & bit(self))) return;
            part(self, members, turn);
            seats_[self].done.store(turn, std::memory_order_release);
            await([&] { return published_[turn % 2].load(std::memory_order_acquire) >> BITS >= turn; });
            await_members(members, turn);
        }
    }

    // The number of the processor that this thread runs on, -1 where the system does not tell.
    static int processor() {
#ifdef __linux__
        return sched_getcpu();
#else
        return -1;
#endif
    }

    // Whether a helper runs on another processor than the caller, where the system by itself may leave it, or has
    // moved to another one.
    bool is_elsewhere() const {
        const int from = processor_.load(std::memory_order_relaxed);
        if (from < 0 || processor() != from) return true;
#ifdef __linux__
        cpu_set_t allowed;
        if (sched_getaffinity(process_, sizeof allowed, &allowed)) return false;
        CPU_CLR(from, &allowed);
        return !sched_setaffinity(0, sizeof allowed, &allowed);
#else
        return false;
#endif
    }

    const pid_t process_ = getpid();
    std::atomic<bool> held_{false}, failed_{false}, refused_{false};
    // Written by the caller, read by members.
    const void* body_ = nullptr;
    void (*call_)(const void*, const Share&, int64_t) = nullptr;
    uint64_t base_ = 0;
    // The caller's own.
    Clock::time_point settled_{};
    bool alone_ = false;
    int64_t helpers_ = 0;
    std::atomic<int64_t> threads_{0};
    std::atomic<int> processor_{-1}, asleep_{0};
    std::mutex mutex_;
    std::condition_variable called_;
    alignas(128) std::atomic<uint64_t> round_{0};
    alignas(128) std::atomic<uint64_t> published_[2]{};
    Seat seats_[MOST_MEMBERS];
};

}  // namespace

namespace shared {

void run_jobs(int64_t threads, int64_t jobs, const void* body, void (*call)(const void*, const Share&, int64_t)) {
    Crew::here().run(threads, jobs, body, call);
}

}  // namespace shared
