// What kernels of one kind of numbers have in common, compiled once and linked into each of them: it defines what
// the headers only declare with LINKED.
#pragma once

#include "packing_lanes.h"
#include "product_tiles.h"
#include "row_order.h"
#include "team_rounds.h"
#include "thread_pieces.h"

#if defined(BFLOAT16) || defined(INT8)
#include "operand_rows.h"
#endif
// No gradient flows through factors of 8 bits.
#ifndef INT8
#include "outer_tiles.h"
#endif
