/* The process log: turns the events of all others into lines. It never asks a
 * sender anything, and believes nobody but master about who speaks. */
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/process.h"
#include "setup.h"

#define MAIN_FD 3

int main(int argc, char **argv)
{
    static struct log log;
    struct setup setup;
    int r;

    process_title_init(argc, argv);
    process_title("%s", cage_row(PROCESS_LOG)->title);
    die_title("log");
    log_init(&log, MAIN_FD);
    setup_init(&setup, &log);
    if (setup_receive(&setup) < 0 || setup_cage(&setup) < 0) {
        setup_failed(&setup);
        return EXIT_SUCCESS; /* master decides what that means */
    }
    r = log_run(&log);
    log_release(&log);
    return r == 0 ? EXIT_SUCCESS : EX_OSERR;
}
