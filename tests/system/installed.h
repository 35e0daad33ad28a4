/* A copy of the build under test: an installation that a test can change. Its
 * server and each server_program() come from this copy. */
#ifndef TESTS_SYSTEM_INSTALLED_H
#define TESTS_SYSTEM_INSTALLED_H

void installed_begin(void);
void installed_end(void);
/* Puts other files under the names of all programs, as a package manager does.
 * They differ only in the first digit of their version. */
void installed_upgrade(void);
/* Returns the version of these programs. */
const char *installed_version(void);

#endif
