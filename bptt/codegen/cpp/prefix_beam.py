"""The kernel of a prefix beam search as C++ text; prefix_beam.h does the work."""

from __future__ import annotations

from bptt.codegen.kernel_source import KernelSource

_TEXT = """#include "prefix_beam.h"

// C++ exceptions must not cross this C boundary; 1 means out of memory.
#define DOOR(name)                                                                                     \\
    static void name##_work(const int64_t* arguments);                                                 \\
    extern "C" __attribute__((visibility("default"))) int64_t name(const int64_t* arguments) {         \\
        try {                                                                                          \\
            name##_work(arguments);                                                                    \\
        } catch (const std::bad_alloc&) {                                                              \\
            return 1;                                                                                  \\
        }                                                                                              \\
        return 0;                                                                                      \\
    }                                                                                                  \\
    static void name##_work(const int64_t* arguments)

template <typename To> static To* at(int64_t address) { return reinterpret_cast<To*>(address); }
static PrefixBeam& beam(const int64_t* arguments) { return *at<PrefixBeam>(arguments[0]); }

DOOR(beam_open) { *at<PrefixBeam*>(arguments[0]) = new PrefixBeam(*at<const Settings>(arguments[1])); }
DOOR(beam_close) { delete &beam(arguments); }
DOOR(beam_run) {
    PrefixBeam& search = beam(arguments);
    int64_t* counts = at<int64_t>(arguments[4]);
    counts[0] = search.run(at<const double>(arguments[1]), arguments[2], arguments[3]);
    counts[1] = search.entered().size();
    std::copy(search.entered().begin(), search.entered().end(), at<Entered>(arguments[5]));
}
DOOR(beam_add) { beam(arguments).add(at<const double>(arguments[1]), at<const double>(arguments[2])); }
DOOR(beam_count) {
    const PrefixBeam& search = beam(arguments);
    int64_t* counts = at<int64_t>(arguments[1]);
    counts[0] = search.size();
    counts[1] = search.size() ? search.stable() : 0;
    counts[2] = search.held();
}
DOOR(beam_facts) { *at<Facts>(arguments[2]) = beam(arguments).facts(arguments[1]); }
DOOR(beam_read) {
    beam(arguments).read(arguments[1], at<int64_t>(arguments[2]), at<int64_t>(arguments[3]),
                         at<int64_t>(arguments[4]), at<double>(arguments[5]));
}
DOOR(beam_commit) { beam(arguments).commit(arguments[1]); }
"""

_DOORS = (
    "beam_open",
    "beam_close",
    "beam_run",
    "beam_add",
    "beam_count",
    "beam_facts",
    "beam_read",
    "beam_commit",
)

SOURCE = KernelSource("prefix-beam", _TEXT, _DOORS)
