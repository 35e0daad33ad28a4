/* Wipes what earlier calls left on the stack. */
#ifndef SALLYPORT_BASE_STACK_H
#define SALLYPORT_BASE_STACK_H

/* Wipes the stack below the caller's frame, down to 512 KiB, and gives its
 * pages back to the kernel, except the nearest one or two. */
void stack_wipe_below(void);

#endif
