/* Steps of a child's set-up (child.h): each sends what its name says. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_STEPS_H
#define SALLYPORT_SRC_MASTER_CHILDREN_STEPS_H

#include "child.h"

child_step steps_conf;
child_step steps_sandbox;
child_step steps_log;
child_step steps_keys;
child_step steps_peers;
child_step steps_listeners;
child_step steps_passive;
child_step steps_retired;
child_step steps_memory;
child_step steps_output;
/* Waits until keys is ready. */
child_step steps_keys_ready;
child_step steps_go;

#endif
