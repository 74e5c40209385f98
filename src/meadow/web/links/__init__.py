"""Pages about links: where one leads, why one was blocked, and the policy that operators edit."""
