"""What do programs see and do?"""
