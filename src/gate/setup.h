/* Gate's set-up: what master sends before gate works. */
#ifndef GATE_SETUP_H
#define GATE_SETUP_H

#include <stdbool.h>

#include "chains.h"
#include "gate.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/sandbox/sandbox.h"

#define SETUP_MS 10000

struct setup {
    struct gate *gate;
    struct sandbox_plan plan;
    int root_fd;
    struct chains chains;
    struct sign_channel keys; /* for proofs that it has them */
    bool has_conf, has_sandbox;
    struct complaint complaint;
};

/* The steps, in their order; each 0, or negative with the complaint. */
void setup_init(struct setup *s, struct gate *g);
int setup_receive(struct setup *s);
int setup_keys(struct setup *s);
int setup_sandbox(struct setup *s);
/* Tells master why gate can't work. */
void setup_failed(struct setup *s);

#endif
