/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMM starts every vCPU here in long mode with interrupts off: %rdi = vCPU index, %rsp = top
 * of its stack. Exceptions push their vector and end in guest_fault().
 */
	.section .text.entry, "ax"
	.globl guest_entry
guest_entry:
	xor	%ebp, %ebp
	call	guest_main
	ud2

	.text
/* One stub of 16 bytes per exception vector; irq.c counts on the size. */
	.balign	16
	.globl fault_stubs
fault_stubs:
	.set	v, 0
	.rept	32
	.balign	16
	.if	!(v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || (v >= 29 && v <= 30))
	push	$0		/* the CPU pushes no error code for this one */
	.endif
	push	$v
	jmp	fault_common
	.set	v, v + 1
	.endr

	.balign	16
fault_common:
	mov	(%rsp), %rdi		/* vector */
	mov	8(%rsp), %rsi		/* error code */
	mov	16(%rsp), %rdx		/* rip */
	and	$-16, %rsp
	call	guest_fault
	ud2

/*
 * call_in_user_mode(%rdi = function, %rsi = its argument): run it in ring 3, on the same stack,
 * with interrupts off, since there is no TSS to take one with. user_mode_over() is where
 * SYSCALL comes back to.
 */
	.globl call_in_user_mode
call_in_user_mode:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	lea	1f(%rip), %rcx
	mov	$2, %r11d		/* RFLAGS: only the bit that is always set */
	sub	$8, %rsp
	sysretq
1:	call	*%rax
	syscall
	.globl user_mode_over
user_mode_over:
	add	$8, %rsp
	sti
	ret

	.section .note.GNU-stack, "", @progbits
