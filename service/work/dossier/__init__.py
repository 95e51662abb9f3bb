"""How is everything that is known of one object handed to somebody who has to judge it?"""
