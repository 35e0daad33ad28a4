/* Reads a line of a log file, as sallyportctl does; anybody can have written
 * it. The record, written as JSON, must have no control character, and must be
 * read as the same record again. */
#include "fuzz.h"

#include "ctl/log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool message;
    json_t *one = log_read(fuzz_slice(data, size), &message), *again;
    char *text = NULL;

    if (one) {
        log_explain(one);
        text = json_dumps(one, JSON_COMPACT);
        FUZZ_CHECK(text && !fuzz_has_control(text));
        again = log_read(slice_from(text), &message);
        FUZZ_CHECK(again);
        log_explain(again);
        FUZZ_CHECK(json_equal(one, again));
        json_decref(again);
    }
    json_decref(one);
    free(text);
    return 0;
}
