/* Who is forked or executed under whose filter. */
#ifndef SALLYPORT_CAGE_PROCESSES_H
#define SALLYPORT_CAGE_PROCESSES_H

#include "sallyport/base/process.h"

/* The process whose cage P is started in; P itself: in none (master, and names,
 * which is started before master's cage is closed). */
enum process cage_above(enum process p);

#endif
