/* The start of keys: what master hands over before it works. */
#ifndef SALLYPORT_SRC_KEYS_SETUP_H
#define SALLYPORT_SRC_KEYS_SETUP_H

#include "keys.h"
#include "sallyport/cage/cage.h"

#define SETUP_MS 10000

struct setup {
    struct keys *keys;
    struct cage_plan plan;
    int root_fd;
    bool has_cage;
    struct complaint complaint;
};

/* Also ignores what a terminal sends. */
void setup_init(struct setup *s, struct keys *k);
/* Each 0, or -EINVAL with the complaint. */
int setup_receive(
    struct setup *s); /* up to GO; key files are read and closed */
int setup_cage(struct setup *s);
void setup_failed(struct setup *s); /* tells master */

#endif
