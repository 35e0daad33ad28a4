/* A copy of the build under test, as an installation that a test changes: its
 * server, and every server_program(), are of it. */
#ifndef TESTS_SYSTEM_INSTALLED_H
#define TESTS_SYSTEM_INSTALLED_H

void installed_begin(void);
void installed_end(void);
/* As a package manager does it: other files under the names of all programs.
 * They are the same but for the first digit of their version. */
void installed_upgrade(void);
/* The version that they have then. */
const char *installed_version(void);

#endif
