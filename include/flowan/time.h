/* Which time of a flow counts, and how a flow that crosses time bins is shared out over
 * them (doc/semantics.md, "Time"). */
#ifndef FLOWAN_TIME_H
#define FLOWAN_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

/* The times of a flow whose exporter's clock is believed; any other counts at its receive
 * time. But for the first, flows are instants, and all schemes are one. */
typedef enum flowan_clock {
    FLOWAN_CLOCK_START_END = 0, /* from its start to its end */
    FLOWAN_CLOCK_RECEIVED = 1,  /* when it was received; without that, its start */
    FLOWAN_CLOCK_START = 2,
    FLOWAN_CLOCK_END = 3
} flowan_clock;

/* Names and meanings are those of CERT SiLK's rwcount. Packets and bytes are shared in
 * whole numbers that add up to the flow's: what is left over goes to the bins with the
 * largest remainders, the earlier first. The flow itself counts once, in its first bin. */
typedef enum flowan_scheme {
    FLOWAN_SCHEME_PROPORTIONAL = 0, /* by the time that it spends in each bin */
    FLOWAN_SCHEME_UNIFORM = 1,      /* the same to each bin that it touches */
    FLOWAN_SCHEME_START = 2,        /* all of it to the bin that it starts in */
    FLOWAN_SCHEME_END = 3,          /* … ends in */
    FLOWAN_SCHEME_MIDDLE = 4        /* … is in at half its time */
} flowan_scheme;

#ifdef __cplusplus
}
#endif

#endif
