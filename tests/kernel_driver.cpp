// Runs the doors of a generated kernel on memory of exactly the right size, under the eyes of a sanitizer.
//
// KERNEL is the file of its text. What a kernel is to write is NaN before, and must be a number afterwards.
#include KERNEL

#include <sys/mman.h>

#include <cstdio>
#include <deque>
#include <random>

namespace {

constexpr int64_t PAGE = 4096;

// Memory that ends, or else begins, where a page begins that nobody may touch.
class Guarded {
public:
    Guarded(int64_t bytes, bool behind) : pages_((bytes + PAGE - 1) / PAGE * PAGE) {
        auto* all = static_cast<char*>(
            mmap(nullptr, pages_ + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        mprotect(all, PAGE, PROT_NONE);
        mprotect(all + PAGE + pages_, PAGE, PROT_NONE);
        first_ = all;
        data_ = all + PAGE + (behind ? pages_ - bytes : 0);
    }
    Guarded(const Guarded&) = delete;
    ~Guarded() { munmap(first_, pages_ + 2 * PAGE); }
    void* data() const { return data_; }

private:
    int64_t pages_;
    char *first_, *data_;
};

struct Run {
    int64_t steps, batch, threads, reverse;
    bool ragged, behind, restarts;
    char storage;  // keep, recompute or segments, by their first letters
};

class Driver {
public:
    explicit Driver(const Run& run) : run_(run) {
        for (int k = 0; k < Shape::LETTERS; ++k) call_.size[k] = k ? 15 + 4 * k : 1;
        call_.steps = run.steps, call_.batch = run.batch, call_.threads = run.threads, call_.reverse = run.reverse;
        if (run.ragged) {
            auto* lengths = static_cast<int64_t*>(memory(run.batch * 8));
            for (int64_t b = 0; b < run.batch; ++b) lengths[b] = (3 * b + 2) % (run.steps + 1);
            call_.lengths = lengths;
        }
        if (run.restarts) {
            auto* restarts = static_cast<uint8_t*>(memory(run.steps * run.batch));
            for (int64_t k = 0; k < run.steps * run.batch; ++k) restarts[k] = k % 3 == 1;
            call_.restarts = restarts;
        }
        lay_out();
        pack();
    }

    // How many numbers were not written.
    int64_t go() {
        const auto* arguments = reinterpret_cast<const int64_t*>(&all_);
        forward(arguments);
#ifndef INT8
        backward(arguments);
#endif
        int64_t missing = 0;
        for (const auto& [at, count] : written_)
            for (int64_t k = 0; k < count; ++k) missing += !(at[k] == at[k]);
        return missing;
    }

private:
    void* memory(int64_t bytes) {
        memory_.emplace_back(bytes, run_.behind);
        return memory_.back().data();
    }

    // Numbers within ±1; of two bytes each, the upper halves of floats.
    template <class Number = real>
    Number* given(int64_t count) {
        auto* at = static_cast<Number*>(memory(count * sizeof(Number)));
        std::uniform_real_distribution<real> uniform(-1, 1);
        for (int64_t k = 0; k < count; ++k) {
            const real value = uniform(random_);
            std::memcpy(at + k, reinterpret_cast<const char*>(&value + 1) - sizeof(Number), sizeof(Number));
        }
        return at;
    }

    // All bits set: NaN, also as two numbers of two bytes.
    template <class Number = real>
    Number* empty(int64_t count) {
        return static_cast<Number*>(std::memset(memory(count * sizeof(Number)), 0xff, count * sizeof(Number)));
    }

    real* wanted(int64_t count) {
        written_.push_back({empty(count), count});
        return written_.back().first;
    }

    // Of factors of 8 bits there are no gradients.
    real* gradient(int64_t count) {
#ifdef INT8
        return empty(count);
#else
        return wanted(count);
#endif
    }

    void lay_out() {
        const int64_t* size = call_.size;
        const int64_t rows = run_.batch, all = run_.steps * rows;
        const bool segments = run_.storage == 's';
        call_.every = segments ? 3 : 0;
        call_.x = given(all * size[Shape::INPUT_WIDTH]);
        call_.x_step = rows * size[Shape::INPUT_WIDTH], call_.x_row = size[Shape::INPUT_WIDTH];
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t width = size[Shape::STATE_WIDTH[q]];
            call_.initial[q] = given(rows * width);
            call_.ring[q] = segments ? 2 : 0;
            call_.state[q] = segments ? empty(2 * rows * width) : wanted(all * width);
            call_.final[q] = wanted(rows * width);
            if (segments) call_.stored[q] = wanted((run_.steps + 2) / 3 * rows * width);
            call_.last[q] = given(rows * width);
            call_.first[q] = gradient((run_.restarts ? 2 : 1) * rows * width);
            if (run_.restarts) call_.restart[q] = given(rows * width);
        }
        for (int q = 0; q < Shape::STATES + Shape::OUTPUTS; ++q) {
            const int64_t width = size[q < Shape::STATES ? Shape::STATE_WIDTH[q] : Shape::OUTPUT_WIDTH];
            call_.loss[q] = given(all * width);
            call_.loss_step[q] = rows * width, call_.loss_row[q] = width;
        }
        if (Shape::OUTPUTS > 0) call_.output = wanted(all * size[Shape::OUTPUT_WIDTH]);
        call_.norms = static_cast<double*>(memory(all * (Shape::DELTAS + Shape::STATES) * sizeof(double)));
        const int64_t kept = total<Shape>(size, Shape::KEPT_WIDTH, Shape::KEPT);
        if (run_.storage == 'k' && kept) call_.kept = empty(all * kept);
        call_.input = gradient(all * size[Shape::INPUT_WIDTH]);
        for (int k = 0; k < Shape::VECTORS; ++k) {
            call_.vector[k] = given(size[Shape::SUM_WIDTH[k]]);
            call_.vector_gradient[k] = gradient(size[Shape::SUM_WIDTH[k]]);
        }
    }

    void pack() {
        Packing<Shape> packing{};
        std::copy_n(call_.size, Shape::LETTERS, packing.size);
        int64_t numbers[at_least_one(Shape::MATRICES)]{}, sizes[3];
        for (const auto& source : Shape::SOURCES)
            for (int g = source.first; g < source.last; ++g) {
                const auto& gradient = Shape::GRADIENTS[g];
                const int64_t one = call_.size[Shape::DELTA_WIDTH[gradient.delta]] * call_.size[source.width];
                numbers[gradient.matrix] = std::max(numbers[gradient.matrix], (gradient.member + 1) * one);
            }
        int64_t bytes[at_least_one(Shape::MATRICES)]{}, address[at_least_one(Shape::MATRICES)]{}, sum;
        const auto number = [](auto* at) { return reinterpret_cast<int64_t>(at); };
        const int64_t check[] = {number(&sum), run_.threads, Shape::MATRICES, number(bytes), number(address)};
        for (int k = 0; k < Shape::MATRICES; ++k) {
            packing.matrix[k] = given<parameter>(numbers[k]);
            call_.matrix[k] = gradient(numbers[k]);
            bytes[k] = numbers[k] * sizeof(parameter);
            address[k] = number(packing.matrix[k]);
        }
        checksum(check);
        packing.sizes = sizes, packing.threads = run_.threads;
        measure(reinterpret_cast<const int64_t*>(&packing));
        call_.weights = packing.to = empty<factor>(sizes[0]);
        call_.transposed = packing.transposed = empty<factor>(sizes[1]);
        ::pack(reinterpret_cast<const int64_t*>(&packing));
    }

    const Run run_;
    PackedCall<BackwardArguments<Shape>> all_{};
    BackwardArguments<Shape>& call_ = all_.pass;
    std::deque<Guarded> memory_;
    std::vector<std::pair<real*, int64_t>> written_;
    std::mt19937 random_;
};

}  // namespace

int main() {
    int64_t missing = 0;
    for (const Run& run : {
             Run{7, 37, 2, 0, true, true, false, 'k'},
             Run{7, 37, 2, 1, true, false, true, 'r'},
             Run{8, 35, 2, 1, true, true, true, 's'},
             Run{5, 3, 2, 0, true, true, true, 'k'},
             Run{5, 3, 2, 1, false, true, false, 's'},
             Run{1, 1, 1, 0, false, true, false, 'k'},
             Run{4, 70, 3, 0, false, true, true, 'k'},
         })
        missing += Driver(run).go();
    std::printf("%lld numbers were not written\n", static_cast<long long>(missing));
    return missing != 0;
}
