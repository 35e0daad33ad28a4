/* Ports for the setting `ports`, and for listeners. */
#ifndef TESTS_SUPPORT_PORTS_H
#define TESTS_SUPPORT_PORTS_H

/* Returns the first of COUNT ports in a row, at most 256, that nobody uses now.
 * No other test gets them while this process or a child of it lives. */
unsigned ports_free(unsigned count);
/* Returns one such port, another one at each call, for a listener. A port that
 * the kernel chooses may be one that another test has just closed, and still
 * connects to. */
unsigned ports_one(void);

#endif
