/* A handler for each message of master while gate works. */
#ifndef GATE_ORDERS_H
#define GATE_ORDERS_H

#include "sallyport/ipc/channel.h"

int orders_on_logged_in(void *owner, struct msg_logged_in *m);
int orders_on_kill(void *owner, struct msg_kill *m);
int orders_on_stop_accepting(void *owner, struct msg_stop_accepting *m);
/* In the set-up too. */
int orders_on_public_address(void *owner, struct msg_public_address *m);
int orders_on_open(void *owner, struct msg_open *m);
int orders_on_adopt(void *owner, struct msg_adopt *m);
int orders_on_hand_over(void *owner, struct msg_hand_over *m);
int orders_on_adopted_gone(void *owner, struct msg_adopted_gone *m);
int orders_on_health(void *owner, struct msg_health *m);

#endif
