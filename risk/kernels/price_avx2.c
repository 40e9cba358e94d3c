#include "risk/kernels/lanes_avx2.h"

#define PRICE_NAME   rw_option_price_avx2
#define IMPLIED_NAME rw_option_implied_avx2
#include "risk/kernels/price_lanes.h"
