/* Decodes an event, as log gets it from a process that an attacker can control.
 * Each accepted event must become one printable line, as text and as JSON. */
#include "fuzz.h"

#include "sallyport/event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_record r;
    struct buf line;

    if (event_decode(fuzz_slice(data, size), &r) < 0)
        return 0;
    buf_init(&line, 1 << 20);
    if (event_line(&r, &line) == 0)
        for (size_t i = 0; i < line.len; i++)
            FUZZ_CHECK((uint8_t)line.data[i] >= 0x20 && line.data[i] != 0x7f);
    buf_clear(&line);
    if (event_json(&r, "", &line) == 0)
        for (size_t i = 0; i + 1 < line.len; i++)
            FUZZ_CHECK((uint8_t)line.data[i] >= 0x20 && line.data[i] != 0x7f);
    buf_release(&line);
    return 0;
}
