/* The start of lookup: what master hands over before it works. */
#ifndef SALLYPORT_SRC_LOOKUP_SETUP_H
#define SALLYPORT_SRC_LOOKUP_SETUP_H

#include "lookup.h"
#include "sallyport/base/complaint.h"
#include "sallyport/sandbox/sandbox.h"

#define SETUP_MS 10000

struct setup {
    struct lookup *lookup;
    struct sandbox_plan plan;
    bool has_sandbox;
    struct complaint complaint;
};

/* Also ignores what a terminal sends. */
void setup_init(struct setup *s, struct lookup *n);
/* Each 0, or -EINVAL with the complaint. */
int setup_receive(struct setup *s); /* up to GO */
int setup_sandbox(struct setup *s);
void setup_failed(struct setup *s); /* tells master */

#endif
