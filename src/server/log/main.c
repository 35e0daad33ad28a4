/* The process log: writes the events of all other processes as lines. It sends
 * nothing to a sender, and takes the name of a sender only from master. */
#include "log.h"

int main(int argc, char **argv)
{
    static struct log log;

    return frame_main(&log_row, &log.frame, argc, argv);
}
