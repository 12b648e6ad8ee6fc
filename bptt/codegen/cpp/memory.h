// Memory that a kernel takes for itself.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <new>

#include "vector.h"

namespace {

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Free {
    void operator()(real* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<real, Free>;

struct Part {
    real*& at;
    int64_t count;
};

// Room for all parts, each of which begins with a line of the cache. It is one block, because of many
// small ones the allocator would give some back to the system, and have to take them anew at each call.
inline Memory allocate(std::initializer_list<Part> parts) {
    constexpr int64_t BYTES = 64, LINE = BYTES / sizeof(real);
    int64_t all = 0;
    for (const Part& part : parts) all += divide_up(part.count, LINE) * LINE;
    Memory memory(static_cast<real*>(std::aligned_alloc(BYTES, all * sizeof(real))));
    if (!memory) throw std::bad_alloc();
    real* next = memory.get();
    for (const Part& part : parts) {
        part.at = next;
        next += divide_up(part.count, LINE) * LINE;
    }
    return memory;
}

}  // namespace
