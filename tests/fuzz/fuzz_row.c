/* Reads a table and values from master, as sallyportctl does. They must become
 * JSON that is harmless on a terminal, or nothing. */
#include "fuzz.h"

#include "ctl/server/rows.h"

/* The first line of the input is the table, the rest are the values. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice values = fuzz_slice(data, size), table = { 0 };
    json_t *one = json_pack("{s:{s:[]}}", "part", "list");
    char *text;

    slice_cut(&values, '\n', &table);
    if (rows_take(table, values, one) == 0) {
        text = json_dumps(one, 0);
        FUZZ_CHECK(text && !fuzz_has_control(text));
        free(text);
    }
    json_decref(one);
    return 0;
}
