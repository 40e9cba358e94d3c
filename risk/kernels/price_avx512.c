#include "risk/kernels/lanes_avx512.h"

#define PRICE_NAME   rw_option_price_avx512
#define IMPLIED_NAME rw_option_implied_avx512
#include "risk/kernels/price_lanes.h"
