/* The process lookup: turns the host names of the setting `address` into
 * addresses. It is there only when there are any. It holds no secret, serves no
 * client, and looks nothing up itself: each lookup is a fork that ends with it.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/process.h"
#include "setup.h"

#define MAIN_FD 3

int main(int argc, char **argv)
{
    static struct lookup lookup;
    struct setup setup;
    int r;

    process_title_init(argc, argv);
    process_title("%s", sandbox_row(PROCESS_LOOKUP)->title);
    die_title("lookup");
    lookup_init(&lookup, MAIN_FD);
    setup_init(&setup, &lookup);
    if (setup_receive(&setup) < 0 || setup_sandbox(&setup) < 0) {
        setup_failed(&setup);
        return EXIT_SUCCESS; /* master decides what that means */
    }
    r = lookup_run(&lookup);
    lookup_release(&lookup);
    return r == 0 ? EXIT_SUCCESS : EX_OSERR;
}
