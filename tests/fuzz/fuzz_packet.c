/* A message between processes: what is taken encodes to the same bytes again,
 * so nothing is left over and nothing is made up. */
#include "fuzz.h"

#include <string.h>

#include "ipc/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_row *row;
    char again[PACKET_MAX];
    struct packet p = { 0 };

    if (size > PACKET_MAX ||
        packet_decode((const char *)fuzz_slice(data, size).ptr, size, &p) < 0)
        return 0;
    row = message_row(p.message);
    FUZZ_CHECK(row != NULL);
    FUZZ_CHECK(packet_encode(&p, row, again) == (ssize_t)size);
    FUZZ_CHECK(memcmp(again, data, size) == 0);
    return 0;
}
