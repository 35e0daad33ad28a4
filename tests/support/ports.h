/* Ports for the setting `ports`. */
#ifndef TESTS_SUPPORT_PORTS_H
#define TESTS_SUPPORT_PORTS_H

/* Returns the first of COUNT ports in a row that nobody uses now. */
unsigned ports_free(unsigned count);

#endif
