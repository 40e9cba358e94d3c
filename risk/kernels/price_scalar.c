#include "risk/kernels/lanes_scalar.h"

#define PRICE_NAME   rw_option_price_scalar
#define IMPLIED_NAME rw_option_implied_scalar
#include "risk/kernels/price_lanes.h"
