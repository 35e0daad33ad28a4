/* Settings for processes under test, from the text of a configuration. */
#ifndef TEST_SUPPORT_SETTINGS_H
#define TEST_SUPPORT_SETTINGS_H

/* As settings_seal(). The caller closes it. */
int settings_of(const char *text);

#endif
