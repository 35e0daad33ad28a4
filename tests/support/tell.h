/* Sending messages in tests: as SEND(), but a field that isn't named is 0, a
 * descriptor too. */
#ifndef SALLYPORT_TESTS_SUPPORT_TELL_H
#define SALLYPORT_TESTS_SUPPORT_TELL_H

#include <string.h>

#include "sallyport/ipc/channel.h"

/* 0 or -errno */
#define SAY(channel, name, ...)                                                \
    channel_send(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })
/* It must be taken. */
#define TELL(channel, name, ...)                                               \
    do {                                                                       \
        int tell_result = SAY(channel, name, __VA_ARGS__);                     \
                                                                               \
        cr_assert_eq(tell_result, 0, "%s: %s", #name,                          \
                     strerrordesc_np(-tell_result));                           \
    } while (0)

#endif
