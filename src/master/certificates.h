/* The certificates and keys as files: what is opened, and handed to gate and
 * keys. */
#ifndef SALLYPORT_SRC_MASTER_CERTIFICATES_H
#define SALLYPORT_SRC_MASTER_CERTIFICATES_H

#include "sallyport/base/complaint.h"
#include "sallyport/conf/settings.h"

struct child;

struct pair_files {
    int certificate, key; /* descriptors */
    uint64_t number;      /* of the key; never used again */
};

/* What is in use at one time. */
struct pair_set {
    struct pair_files pair[SETTINGS_PAIRS_MAX];
    size_t count;
};

/* Opens all pairs of the settings, whose keys are numbered from FIRST; nobody
 * else may be able to read a key. 0, or -EINVAL with the complaint and nothing
 * open. */
int pair_set_open(struct pair_set *g, const struct settings *s, uint64_t first,
                  struct complaint *c);
void pair_set_close(struct pair_set *g);

/* Steps of a child's set-up: 0, -EAGAIN or -errno. */
int certificates_step(struct child *c); /* chains, to gate */
int certificates_step_keys(struct child *c);

#endif
