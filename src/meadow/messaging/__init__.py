"""Messages: the inbox, notices, chats between buyers and merchants, marketing to those who agreed to it."""
