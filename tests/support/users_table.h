/* Makes the table of users, as reader does. */
#ifndef TEST_SUPPORT_USERS_TABLE_H
#define TEST_SUPPORT_USERS_TABLE_H

/* Makes the table of a users file with this TEXT, which must be valid. Returns
 * the table in a sealed file in memory, for users_take(). */
int users_table(const char *text);

#endif
