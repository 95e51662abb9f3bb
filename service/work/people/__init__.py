"""How do people hear of what is wrong: grouped, in their language, at their hours, once?"""
