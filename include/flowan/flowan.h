/* All of libflowan. A program may as well include only the headers that it needs; the
 * library itself never includes this one. */
#ifndef FLOWAN_FLOWAN_H
#define FLOWAN_FLOWAN_H

#include "flowan/aggregate.h"
#include "flowan/archive.h"
#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/care.h"
#include "flowan/encode.h"
#include "flowan/field.h"
#include "flowan/filter.h"
#include "flowan/follow.h"
#include "flowan/gaps.h"
#include "flowan/import.h"
#include "flowan/key.h"
#include "flowan/losses.h"
#include "flowan/nat.h"
#include "flowan/networks.h"
#include "flowan/notation.h"
#include "flowan/parser.h"
#include "flowan/report.h"
#include "flowan/scan.h"
#include "flowan/segment.h"
#include "flowan/source.h"
#include "flowan/status.h"
#include "flowan/sum.h"
#include "flowan/time.h"

#endif
