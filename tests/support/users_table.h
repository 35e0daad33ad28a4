/* The table of users, as reader makes it. */
#ifndef TEST_SUPPORT_USERS_TABLE_H
#define TEST_SUPPORT_USERS_TABLE_H

/* Makes the table of a users file with this TEXT, which has no mistake: a
 * sealed file in memory, for users_take(). */
int users_table(const char *text);

#endif
