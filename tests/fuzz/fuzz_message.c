/* Decodes a message between processes. An accepted message must encode to the
 * same bytes again, so that nothing is lost or invented. */
#include "fuzz.h"

#include <string.h>

#include "ipc/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char again[MESSAGE_MAX];
    struct message m;

    if (size > MESSAGE_MAX ||
        codec_decode((const char *)fuzz_slice(data, size).ptr, size, &m) < 0)
        return 0;
    FUZZ_CHECK(message_row(m.kind) != NULL);
    FUZZ_CHECK(codec_encode(m.kind, &m.request, again) == (ssize_t)size);
    FUZZ_CHECK(memcmp(again, data, size) == 0);
    return 0;
}
