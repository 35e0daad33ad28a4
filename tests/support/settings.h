/* Makes settings for processes under test from the text of a configuration. */
#ifndef TEST_SUPPORT_SETTINGS_H
#define TEST_SUPPORT_SETTINGS_H

struct settings;

/* Return the settings in a sealed file, for settings_take(). The caller closes
 * it. */
int settings_file(const struct settings *s);
int settings_of(const char *text);

#endif
