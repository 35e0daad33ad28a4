/* Wipes the data that earlier calls have left on the stack. */
#ifndef SALLYPORT_BASE_STACK_H
#define SALLYPORT_BASE_STACK_H

/* Wipes 512 KiB of the stack below the caller's frame, and gives the pages
 * back to the kernel, except the nearest one or two. */
void stack_wipe_below(void);

#endif
