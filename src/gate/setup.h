/* Gate's set-up: what master sends before gate works. */
#ifndef GATE_SETUP_H
#define GATE_SETUP_H

#include <stdbool.h>

#include "chains.h"
#include "sallyport/ipc/sign.h"

struct gate;

/* What gate has only until its sandbox closes. */
struct setup {
    struct chains chains;
    struct sign_channel keys; /* for proofs that it has them */
    bool has_conf;
};

int setup_on_conf(void *owner, struct msg_conf *m);
int setup_on_keys(void *owner, struct msg_keys *m);
int setup_on_listener(void *owner, struct msg_listener *m);
int setup_on_passive(void *owner, struct msg_passive *m);
int setup_on_memory(void *owner, struct msg_memory *m);

void setup_init(struct gate *g);
/* The steps after these messages: the TLS context, and the sandbox's plan. Each
 * returns 0, or negative with the complaint in the frame. */
int setup_keys(struct gate *g);
int setup_plan(struct gate *g);
void setup_release(struct gate *g);

#endif
