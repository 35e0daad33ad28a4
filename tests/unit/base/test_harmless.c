/* Text of others as a terminal or a log gets it. */
#include "sallyport/base/harmless.h"
#include "support/test.h"

/* The first and the last of each kind that is harmless, and their neighbours
 * that aren't. '?': a byte that was written over. */
Test(harmless, each_kind)
{
    static const struct {
        const char *text, *left;
    } table[] = {
        { " a~", " a~" },
        { "\x1f\x7f\x1b[", "???[" },
        { "\xc2\xa0|\xdf\xbf", "\xc2\xa0|\xdf\xbf" },
        { "\xc2\x9f|\xc2\x80|\xc1\xbf|\x80", "??|??|??|?" },
        { "\xc3|\xc3\xc0|\xc3", "?|??|?" },
        { "\xe0\xa0\x80|\xed\x9f\xbf|\xee\x80\x80|\xef\xbf\xbf",
          "\xe0\xa0\x80|\xed\x9f\xbf|\xee\x80\x80|\xef\xbf\xbf" },
        { "\xe0\x9f\xbf|\xed\xa0\x80|\xe1\x80|\xe1", "???|???|??|?" },
        { "\xf0\x90\x80\x80|\xf4\x8f\xbf\xbf",
          "\xf0\x90\x80\x80|\xf4\x8f\xbf\xbf" },
        { "\xf0\x8f\xbf\xbf|\xf4\x90\x80\x80|\xf5\x80\x80\x80|\xf1\x80\x80",
          "????|????|????|???" },
        { "\xe2\x80\xa7|\xe2\x80\xaf|\xe2\x81\x9f|\xe2\x81\xb0",
          "\xe2\x80\xa7|\xe2\x80\xaf|\xe2\x81\x9f|\xe2\x81\xb0" },
        { "\xe2\x80\xa8|\xe2\x80\xae|\xe2\x81\xa6|\xe2\x81\xa9",
          "???|???|???|???" },
        /* nobody sees them: U+00AD, U+061C, U+180E, U+200B, U+2060, U+FEFF */
        { "\xc2\xad|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80\x8b|\xe2\x81\xa0|"
          "\xef\xbb\xbf",
          "??|??|???|???|???|???" },
        /* U+034F, U+17B4, U+180B, U+FFF0, U+1BCA0, U+1D173 */
        { "\xcd\x8f|\xe1\x9e\xb4|\xe1\xa0\x8b|\xef\xbf\xb0|"
          "\xf0\x9b\xb2\xa0|\xf0\x9d\x85\xb3",
          "??|???|???|???|????|????" },
        { "\xe1\xa0\xa0\xe1\xa0\x8b", "\xe1\xa0\xa0\xe1\xa0\x8b" },
        { "\xe2\x80\x8a|\xe2\x80\x90|\xef\xbb\xbc|\xc2\xac|\xc2\xae",
          "\xe2\x80\x8a|\xe2\x80\x90|\xef\xbb\xbc|\xc2\xac|\xc2\xae" },
        /* U+200D, U+FE0F and U+E0067, alone and after another character */
        { "\xe2\x80\x8d", "???" },
        { "a\xe2\x80\x8d\xef\xb8\x8f", "a???\?\?\?" },
        { "|\xf3\xa0\x81\xa7", "|????" },
        { "\xe2\x9d\xa4\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x94\xa5",
          "\xe2\x9d\xa4\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x94\xa5" },
        { "\xe3\x80\xa8|\xe3\x81\xa6", "\xe3\x80\xa8|\xe3\x81\xa6" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[64];

        strcpy(text, table[i].text);
        harmless_make(text, strlen(text));
        cr_expect_str_eq(text, table[i].left, "row %zu", i);
    }
}

/* A character that the end of the text cuts off doesn't read on. */
Test(harmless, cut_off)
{
    static const char text[] = "\xf0\x90\x80\x80";

    for (size_t len = 1; len <= 4; len++)
        cr_expect_eq(harmless_length((struct slice){ text, len }, 0),
                     len == 4 ? 4 : 0, "%zu", len);
}
