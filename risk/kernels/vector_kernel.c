#include "risk/kernels/pnl_vector.h"
#include "risk/kernels/tail.h"

rw_tail_fn *rw_tail_best(void) {
    return __builtin_cpu_supports("avx512f") ? rw_tail_avx512 : rw_tail_avx2;
}

rw_pnl_move_fn *rw_pnl_move_best(void) {
    return __builtin_cpu_supports("avx512f") ? rw_pnl_move_avx512 : rw_pnl_move_avx2;
}
