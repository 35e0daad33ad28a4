/* The old gate's side of a takeover: it sends all that it has to the next gate.
 */
#ifndef GATE_HANDOVER_H
#define GATE_HANDOVER_H

struct gate;

/* From its beginning to its end. Master ends a gate that needs longer. */
#define HANDOVER_MS 4000

/* Stops accepting and sends everything on FD, which it takes. 0: nothing is
 * left to do here. Else -errno: the next gate has failed. Then this one keeps
 * all its sessions, and accepts again only when master says so. */
int handover(struct gate *g, int fd);

#endif
